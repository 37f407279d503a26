export { ATTIO_FAULT_BODIES } from './attio/manners.ts';
export type { AttioOptions, AttioSettings, AttioToken, AttioWorkspace } from './attio/options.ts';
export { ALL_SCOPES as ATTIO_SCOPES, DEFAULT_WORKSPACE as ATTIO_WORKSPACE } from './attio/options.ts';
export type { AttioCounts, AttioPlatform } from './attio/simulator.ts';
export type { Note as AttioNote } from './attio/workspace.ts';
export type { AttioWrite } from './attio/write-log.ts';
export type { Arrival } from './core/arrivals.ts';
export type { AdvanceStep, CampaignRemoval, Change, Mischief } from './core/control.ts';
export { SimulatorControl } from './core/control.ts';
export type { DriftSpec } from './core/drift.ts';
export type { FaultAction, FaultSpec, FaultTarget, PlatformName } from './core/faults.ts';
export type { Ledger, LedgerRecord } from './core/ledger.ts';
export { DATA_END, DATA_START } from './core/timeline.ts';
export { BODY_MARKER } from './data/texts.ts';
export type { LemlistFact } from './lemlist/ledger.ts';
export type { LemlistOptions } from './lemlist/simulator.ts';
export type { StoredEvent as MixpanelEvent } from './mixpanel/event-store.ts';
export type { MixpanelOptions, MixpanelProject, MixpanelSettings } from './mixpanel/options.ts';
export { DEFAULT_PROJECT as MIXPANEL_PROJECT } from './mixpanel/options.ts';
export type { ProfileUpdate as MixpanelProfileUpdate } from './mixpanel/profiles.ts';
export type { MixpanelCounts, MixpanelPlatform } from './mixpanel/simulator.ts';
export type { SimulatorSize } from './size.ts';
export { SIZES, parseSize } from './size.ts';
export type { SmartleadFact } from './smartlead/ledger.ts';
export type { SmartleadOptions } from './smartlead/simulator.ts';
export type { RunningSimulators, Simulator, Sink, StartOptions } from './start-simulators.ts';
export {
  createAttioSimulator,
  createLemlistSimulator,
  createMixpanelSimulator,
  createSmartleadSimulator,
  startSimulators,
} from './start-simulators.ts';
