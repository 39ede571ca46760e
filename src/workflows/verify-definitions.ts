import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { VerifyInput, VerifyProgress } from '../messages.js';

/** Joins a verification, running or just started; answers with what it verifies. */
export const verifyJoin = defineUpdate<VerifyInput, [requestedBy: string]>('join');
export const verifyProgress = defineQuery<VerifyProgress>('progress');
