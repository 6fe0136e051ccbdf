"""The subcommands of `recruit-assets`, one file each: options, one call, exit code."""
