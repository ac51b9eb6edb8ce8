namespace mlbench::stats {}
