level-building = 楼道
level-grid = 网格
level-compound = 小区
level-community = 社区
level-street = 街道
