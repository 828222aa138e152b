/** The drivers of this build. A new one is a folder beside this file, and a line here. */
import type { SensorDriver } from '../sensor.ts';
import { boardDriver } from './board/board-driver.ts';
import { diskDriver } from './disk/disk-driver.ts';
import { hwmonDriver } from './hwmon/hwmon-driver.ts';
import { iioDriver } from './iio/iio-driver.ts';
import { loadDriver } from './load/load-driver.ts';
import { memoryDriver } from './memory/memory-driver.ts';
import { networkDriver } from './network/network-driver.ts';
import { thermalDriver } from './thermal/thermal-driver.ts';
import { uptimeDriver } from './uptime/uptime-driver.ts';
import { w1Driver } from './w1/w1-driver.ts';

/** In the order in which the sensors are listed. */
export const BUILT_IN_DRIVERS: readonly SensorDriver[] = [
  boardDriver,
  thermalDriver,
  hwmonDriver,
  iioDriver,
  w1Driver,
  loadDriver,
  memoryDriver,
  diskDriver,
  networkDriver,
  uptimeDriver,
];
