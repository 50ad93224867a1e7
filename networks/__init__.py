"""Where things are: zones, roads, transit lines, coordinate systems and travel times."""
