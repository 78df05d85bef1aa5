"""What people of a school come together for at a time: lessons, class hours, meetings (docs/flows/schedule.md)."""
