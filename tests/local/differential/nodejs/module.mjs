// A handler as an ES module, as in one of Kyma's published examples.
import axios from 'axios';

export function main() {
  return typeof axios.get === 'function' ? 'hello from a function' : 'no axios';
}
