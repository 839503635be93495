//! What `--help` says below the options.

use crate::exit::ExitStatus;

/// Below the help of the program.
pub(crate) fn program() -> String {
    let codes = ExitStatus::ALL.map(|(status, meaning)| format!("  {:<4} {meaning}\n", status.code()));
    format!("{PROGRAM}\n\nExit codes:\n{}", codes.concat().trim_end())
}

const PROGRAM: &str = "\
Examples:
  Run a prompt on the hosted service, and save its images here:
    export COMFYICU_API_KEY=…
    comfyicu run prompt.json -w 46AnCzsekAoAXLZqVQUXH
  Run it on a server of your own, with another seed:
    export COMFYICU_BASE_URL=http://127.0.0.1:8288
    comfyicu run prompt.json --set 3.seed=42 -o images
  Submit it now, look at it later:
    run=$(comfyicu run prompt.json --detach)
    comfyicu runs wait \"$run\" && comfyicu runs download \"$run\"

Environment:
  COMFYICU_API_KEY   the API key; the hosted service needs one
  COMFYICU_BASE_URL  where the service is; without it, https://comfy.icu
  COMFYICU_WORKFLOW  the workflow that runs belong to, where -w does not name one";

/// Below the help of `run`.
pub(crate) const RUN: &str = "\
The paths of the saved files go to stdout, one a line, and nothing else does. With --detach,
stdout is the run's id. With --json, it is one object, for a run that failed too:
  {\"run\": {…the run as the service answered it…}, \"downloaded\": [\"path\", …]}
or, with --detach, {\"id\": …, \"workflow_id\": …}.

A file that is there already is never overwritten: one with the same bytes is kept as it is,
beside another one the new file gets a number, such as fox_00001_ (2).png.

Examples:
  comfyicu run prompt.json -w 46AnCzsekAoAXLZqVQUXH
  comfyicu run prompt.json --set '6.text=a red fox' --set 3.seed=42 -o images
  comfyicu run prompt.json --file /input/photo.jpg=https://example.com/photo.jpg
  comfyicu run prompt.json --file /input/photo.jpg=photo.jpg      (self-hosted server only)
  comfyicu run prompt.json --accelerator A10 --webhook https://example.com/hook --detach
  jq '.[\"3\"].inputs.steps = 8' prompt.json | comfyicu run -";

/// Below the help of `runs`.
pub(crate) const RUNS: &str = "\
Examples:
  comfyicu runs get APCmAT2lf8O6sAgk2Svf2 --json
  comfyicu runs wait APCmAT2lf8O6sAgk2Svf2 --timeout 10m
  comfyicu runs download APCmAT2lf8O6sAgk2Svf2 -o images";

/// Below the help of `prompt`.
pub(crate) const PROMPT: &str = "\
FILE is a prompt in ComfyUI's API format, alone or inside a run or another document that carries
one, or an image that ComfyUI saved; - is stdin. What is asked for goes to stdout, remarks on the
file go to stderr.

NODE.INPUT names an input: the node by its id, by @ and its title, or by its class where that is
there once; [n] behind it goes into a list.

Examples:
  comfyicu prompt show fox.png
  comfyicu prompt check prompt.json --object-info http://127.0.0.1:8188
  comfyicu prompt get prompt.json '@Positive prompt.text'
  comfyicu prompt set prompt.json KSampler.seed=42 '6.text=a red fox' -i
  comfyicu prompt diff before.json after.json
  comfyicu prompt convert workflow.json --object-info http://127.0.0.1:8188 > prompt.json
  comfyicu prompt extract fox.png > prompt.json
  comfyicu prompt strip fox.png -o clean.png";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use crate::args::Arguments;

    /// The help of a command, as on a terminal of 100 columns.
    fn help(path: &[&str]) -> String {
        let mut command = Arguments::command().term_width(100);
        command.build();
        let command = path.iter().fold(command, |command, name| {
            command.find_subcommand(name).cloned().unwrap_or_else(|| panic!("there is no command {name}"))
        });
        command.clone().render_long_help().to_string()
    }

    #[test]
    fn every_command_has_its_help() {
        let commands = [
            &[][..],
            &["run"],
            &["runs"],
            &["runs", "get"],
            &["runs", "wait"],
            &["runs", "download"],
            &["prompt"],
            &["prompt", "check"],
            &["prompt", "convert"],
            &["prompt", "set"],
            &["prompt", "strip"],
        ];
        for path in commands {
            insta::assert_snapshot!(format!("help {}", path.join(" ")), help(path));
        }
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        for path in [&[][..], &["run"], &["runs"], &["prompt"], &["prompt", "set"]] {
            let wide: Vec<_> =
                help(path).lines().filter(|line| line.chars().count() > 100).map(str::to_owned).collect();
            assert_eq!(wide, Vec::<String>::new());
        }
    }
}
