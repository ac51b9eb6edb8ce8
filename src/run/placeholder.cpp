namespace mlbench::run {}
