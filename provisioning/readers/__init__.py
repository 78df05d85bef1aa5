"""Readers: a school's files in any of their formats → records, or problems with their places."""
