// The package `sdk` of the runtimes from nodejs26 on, for editors and type checkers only.
import type { Request, Tracer } from './function.d.ts';

export interface CloudEvent {
  id: string;
  source: string;
  specversion: string;
  type: string;
  data?: any;
  [attribute: string]: any;
}

export function getCloudEvent(request: Request): CloudEvent | null;
export function emitCloudEvent(type: string, source: string, data: unknown, attributes?: object): Promise<unknown>;
export function getTracer(): Tracer;
export function getFunctionName(): string;
export function getNamespace(): string;
export function getRuntime(): string;
export function getTimeout(): number;
export function getBodySizeLimit(): number;
