namespace mlbench::plan {}
