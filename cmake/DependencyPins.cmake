# Exact releases by hash (the hashes are the ones that Meson's WrapDB pins for the same archives).
set(PIN_nlohmann_json
  URL https://github.com/nlohmann/json/releases/download/v3.12.0/include.zip
  URL_HASH SHA256=b8cb0ef2dd7f57f18933997c9934bb1fa962594f701cd5a8d3c2c80541559372)
set(PIN_CLI11
  URL https://github.com/CLIUtils/CLI11/archive/refs/tags/v2.7.2.tar.gz
  URL_HASH SHA256=46eef3101da70852ec7af026e09d485ccee81813331c8c6052d39344443b83da)
set(PIN_fmt
  URL https://github.com/fmtlib/fmt/archive/12.0.0.tar.gz
  URL_HASH SHA256=aa3e8fbb6a0066c03454434add1f1fc23299e85758ceec0d7d2d974431481e40)
set(PIN_doctest
  URL https://github.com/doctest/doctest/archive/refs/tags/v2.5.3.tar.gz
  URL_HASH SHA256=174ebc4e769928959614789c5b4e9c3d0a0f81a62bb608756b127bfebfb21331)
# Released single tags only; the hash of this archive could not be checked, so it is fetched by tag.
set(PIN_yaml_cpp
  GIT_REPOSITORY https://github.com/jbeder/yaml-cpp.git
  GIT_TAG 0.8.0
  GIT_SHALLOW TRUE)
