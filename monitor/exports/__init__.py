"""The files by which MCP clients reject what is not approved: one writer for each client, pure."""
