"""Where launchers are installed. One that is called from another folder may be anything, whatever its name."""

import re

HOME = r"(/home/[^/]+|/Users/[^/]+|/root|~|\$HOME|\$\{HOME\}|[A-Za-z]:/Users/[^/]+|%USERPROFILE%)"
USUAL = re.compile(
    rf"""(?x)
    (/usr|/usr/local|/opt/homebrew|/opt/local|/home/linuxbrew/\.linuxbrew|/snap|/run/current-system/sw)?/s?bin
    |(/usr/local|/opt/homebrew|/home/linuxbrew/\.linuxbrew)/(opt/[\w.@+-]+|Cellar/[\w.@+-]+/[\w.+-]+)/bin
    |/nix/store/[a-z0-9]{{32}}-[\w.+-]+/bin|/etc/profiles/per-user/[^/]+/bin|/opt/(nodejs|node|conda|miniconda3)/bin
    |/Applications/(Docker|OrbStack|Podman\ Desktop)\.app/Contents/(Resources|MacOS)/(x?bin)
    |{HOME}/(\.local/bin|bin|\.cargo/bin|\.bun/bin|\.deno/bin|\.volta/bin|\.asdf/shims|\.local/share/mise/shims|\.nodenv/shims|\.pyenv/shims
        |\.nvm/versions/node/v[\d.]+/bin|\.(local/share/)?fnm/node-versions/v[\d.]+/installation/bin|\.npm-global/bin|n/bin|go/bin
        |Library/pnpm|\.local/share/pnpm|\.rd/bin|\.docker/bin|\.orbstack/bin|\.nix-profile/bin|\.dotnet/tools|scoop/shims|\.proto/(bin|shims)
        |AppData/Roaming/npm|AppData/Local/(pnpm|Volta/bin|Microsoft/WinGet/Links|Microsoft/WindowsApps|Programs/nodejs))
    |%APPDATA%/npm
    |[A-Za-z]:/Program\ Files(\ \(x86\))?/(nodejs|Docker/Docker/resources/bin|RedHat/Podman|dotnet|Go/bin|Git/(usr/)?bin|PowerShell/\d+)
    |[A-Za-z]:/Windows/System32(/WindowsPowerShell/v1\.0)?|[A-Za-z]:/ProgramData/(chocolatey/bin|scoop/shims)|[A-Za-z]:/nodejs
    """,
    re.IGNORECASE,
)


def unusual_folder(command: str) -> str:
    """Return the folder from which a command is called where programs are not installed; empty: none is named, or it is a usual one."""
    path = command.strip().replace("\\", "/")
    folder, slash, _ = path.rpartition("/")
    if not slash or USUAL.fullmatch(folder):
        return ""
    return folder or "/"
