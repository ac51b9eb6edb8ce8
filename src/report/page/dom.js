'use strict';
// Small helpers to build the page. Whatever comes from the data goes in as text or as an attribute's value,
// never as HTML.

/**
 * Makes an element. Strings among `children` become text; null and undefined are left out.
 * @param {string} tag
 * @param {Object<string, string | boolean | number | null | undefined | EventListener>} attributes `on...` are listeners
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElement}
 */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children) {
    if (child !== null && child !== undefined) made.append(child);
  }
  return made;
}

/** @param {string} text @param {string} id @returns {HTMLElement} a link to an explanation further down */
function explained(text, id) {
  return element('a', {href: '#' + id}, text);
}

/** A sentence of the report; where it names the page of warnings, that is a link to them here. @param {string} text */
function sentence(text) {
  const page = ' (docs/warnings.md)';
  if (!text.endsWith(page)) return foreign(text);
  return element('span', {}, foreign(text.slice(0, -page.length)), ' (', explained('what this means', 'how-flags'), ')');
}

/** @param {string} title @param {string[]} lines @param {string} kind bad, warn or good */
function box(title, lines, kind) {
  const list = lines.length > 0 ? element('ul', {}, ...lines.map((line) => element('li', {}, sentence(line)))) : null;
  return element('section', {class: 'box ' + kind}, element('h2', {}, title), list);
}

/** @param {Array<[string, Node | string]>} facts */
function factList(facts) {
  return element('dl', {class: 'facts'},
    ...facts.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]));
}

/**
 * Text that may be of any script, kept from turning the direction of what stands around it.
 * @param {string} text
 */
function foreign(text) {
  return element('bdi', {}, text);
}

/** @param {string} text @param {number} most */
function cut(text, most) {
  const letters = Array.from(text);
  return letters.length <= most ? text : letters.slice(0, most - 1).join('') + '…';
}
