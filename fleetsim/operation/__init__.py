"""How vehicles and stations are run: charging by schedule, faults, batteries in the cold and with age, pools, weeks."""
