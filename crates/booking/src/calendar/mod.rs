//! The one calendar: who and what is taken when. Doctors, residents, rooms and caregivers alike.
