/**
 * @param {import('./function').Event} event
 * @param {import('./function').Context} _context
 */
function main(event, _context) {
  console.log('received', event['ce-type'], event['ce-id']);
  return { received: event.data };
}

module.exports = { main };
