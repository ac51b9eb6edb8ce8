namespace mlbench::cli {}
