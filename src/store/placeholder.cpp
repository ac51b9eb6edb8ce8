namespace mlbench::store {}
