"""The bridge's pages: server-rendered, without JavaScript, Russian first. docs/flows/pages.md."""
