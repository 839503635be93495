# Completions of comfyicu for bash: the program itself is asked what can stand there.
_comfyicu() {
    local candidate
    COMPREPLY=()
    while IFS= read -r candidate; do
        COMPREPLY+=("$candidate")
    done < <(COMFYICU_COMPLETE=bash comfyicu -- "${COMP_LINE:0:COMP_POINT}" "$2" "${COMP_LINE:COMP_POINT}" 2>/dev/null)
    # What goes on with a part of its own gets no space behind it.
    if [[ ${COMPREPLY-} == *[./=@:,] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
if [[ ${BASH_VERSINFO[0]} -gt 4 || ${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4 ]]; then
    complete -o bashdefault -o nosort -F _comfyicu comfyicu
else
    complete -o bashdefault -F _comfyicu comfyicu
fi
