//! `gate completions`: what a shell needs to complete the commands and options of `gate`.

use clap_complete::Shell;

use crate::output::CommandOutput;

/// The name under which the shell knows the program.
const PROGRAM: &str = "gate";

#[derive(clap::Args)]
pub(crate) struct CompletionsOptions {
    /// The shell
    #[arg(value_enum)]
    shell: ShellName,
}

/// The shells whose completions are tested or documented.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ShellName {
    Bash,
    Zsh,
    Fish,
    // One word, as its users write it.
    #[value(name = "powershell")]
    PowerShell,
}

/// The script of one shell, made from the same description of the arguments that parses them.
pub(crate) fn completions(options: &CompletionsOptions, mut command: clap::Command) -> CommandOutput {
    let shell = match options.shell {
        ShellName::Bash => Shell::Bash,
        ShellName::Zsh => Shell::Zsh,
        ShellName::Fish => Shell::Fish,
        ShellName::PowerShell => Shell::PowerShell,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, PROGRAM, &mut script);
    CommandOutput::yes(String::from_utf8_lossy(&script).into_owned())
}
