"""The district's signed register of schools (design §7, R4): what it says, whether it is believed, what follows."""
