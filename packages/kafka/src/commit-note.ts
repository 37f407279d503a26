/** What this system writes beside an offset it commits: kafkajs' silent jump to the log start carries nothing. */
export const commitNote = 'full-sync';
