namespace mlbench::compare {}
