// Draws charts without a browser: node render.js SPECS OUTPUT_FOLDER, where SPECS is a file with
// {"vega": path, "vega-lite": path, "width": number, "theme": {name: colour}, "charts": [{"id", "title", "spec"}]}.
'use strict';
const fs = require('fs'), path = require('path'), vm = require('vm');
const job = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
for (const library of [job['vega'], job['vega-lite']]) vm.runInThisContext(fs.readFileSync(library, 'utf8'), library);
