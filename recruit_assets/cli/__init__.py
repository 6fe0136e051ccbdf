"""The subcommands of `recruit-assets`, one file each: arguments, one call, exit code. Not here: logic."""
