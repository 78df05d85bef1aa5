"""Onboarding: contacts, codes, invites, applications, their web pages and the staff bot. Owns all contact data."""
