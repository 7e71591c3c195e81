/**
 * @param {import('./function').Event} event
 * @param {import('./function').Context} _context
 */
function main(event, _context) {
  event.setResponseContentType('text/plain');
  const { name = 'World' } = event.extensions.request.query;
  return `Hello ${name}!`;
}

module.exports = { main };
