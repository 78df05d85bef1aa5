"""What people of a school come together for at a time: lessons, class hours, meetings, broadcasts (docs/flows/schedule.md)."""
