level-building = building
level-grid = grid
level-compound = compound
level-community = community
level-street = street
