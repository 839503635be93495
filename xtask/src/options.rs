//! What commands are told: options, each with a value.

use crate::failure::Failure;

/// Reads the options of a command into where each of them goes.
pub(crate) fn read(
    command: &str,
    args: &[String],
    options: &mut [(&str, &mut String)],
) -> Result<(), Failure> {
    for pair in args.chunks(2) {
        let [name, value] = pair else {
            return Err(Failure::usage(format!("`{}` lacks its value", pair.concat())));
        };
        let Some((_, target)) = options.iter_mut().find(|(option, _)| option == name) else {
            return Err(Failure::usage(format!("`{command}` has no option `{name}`")));
        };
        target.clone_from(value);
    }
    Ok(())
}
