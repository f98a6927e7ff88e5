"""The HTTP edge: the only HTTP client, where it may go, when it has to wait; and which registries the user's installers use."""
