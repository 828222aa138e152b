/** What the kernel shows on three boards, with typical sensors wired to them; numbers of chips as one boot gave them. */
import { FakeSysfs } from '../../fakes/fake-sysfs.ts';
import { raspberryPi } from './raspberry-pi.ts';

type Files = Readonly<Record<string, string>>;

const W1 = '/sys/devices/w1_bus_master1';
const I2C = '/sys/devices/platform/soc/3f804000.i2c/i2c-1';
const PCIE = '/sys/devices/platform/axi/1000120000.pcie';

function put(sysfs: FakeSysfs, directory: string, files: Files): FakeSysfs {
  for (const [name, text] of Object.entries(files)) sysfs.put(`${directory}/${name}`, `${text}\n`);
  return sysfs;
}

function zone(sysfs: FakeSysfs, milli: string): FakeSysfs {
  const directory = '/sys/devices/virtual/thermal/thermal_zone0';
  put(sysfs, directory, {
    type: 'cpu-thermal',
    temp: milli,
    'hwmon0/name': 'cpu_thermal',
    'hwmon0/temp1_input': milli,
  });
  sysfs.link('/sys/class/hwmon/hwmon0', `${directory}/hwmon0`);
  return sysfs.link('/sys/class/thermal/thermal_zone0', directory);
}

function hwmon(sysfs: FakeSysfs, entry: string, device: string, files: Files): FakeSysfs {
  const directory = `${device}/hwmon/${entry}`;
  put(sysfs, directory, files);
  return sysfs.link(`/sys/class/hwmon/${entry}`, directory).link(`${directory}/device`, device);
}

function gpioChip(sysfs: FakeSysfs, label: string, base: number): FakeSysfs {
  const directory = `/sys/class/gpio/gpiochip${base}`;
  return put(sysfs, directory, { label, base: `${base}`, ngpio: '54' });
}

/** With a BME280 and a DS18B20. */
export function pi3(): FakeSysfs {
  const sysfs = gpioChip(zone(new FakeSysfs(), '51540'), 'pinctrl-bcm2835', 0);
  sysfs.put('/proc/device-tree/model', 'Raspberry Pi 3 Model B Plus Rev 1.3\0');
  sysfs.put('/proc/loadavg', '0.05 0.03 0.00 1/120 999\n').put('/proc/uptime', '99.50 300.00\n');
  sysfs.put('/proc/meminfo', 'MemTotal: 929000 kB\nMemAvailable: 700000 kB\n');
  const climate = {
    name: 'bme280',
    in_temp_input: '21500',
    in_pressure_input: '98.123',
    in_humidityrelative_input: '40000',
  };
  put(sysfs, `${I2C}/1-0076/iio:device0`, climate);
  sysfs.link('/sys/bus/iio/devices/iio:device0', `${I2C}/1-0076/iio:device0`);
  put(sysfs, `${W1}/28-0316a27951ff`, { temperature: '18937' });
  sysfs.link('/sys/bus/w1/devices/28-0316a27951ff', `${W1}/28-0316a27951ff`);
  return hwmon(sysfs, 'hwmon1', '/sys/devices/platform/soc/soc:firmware/raspberrypi-hwmon', {
    name: 'rpi_volt',
    in0_lcrit_alarm: '1',
  });
}

/** As raspberry-pi.ts has it, with its GPIO. */
export function pi4(): FakeSysfs {
  return gpioChip(raspberryPi(), 'pinctrl-bcm2711', 512);
}

/** With its fan, its converter, an NVMe disk and a power meter that is switched off. */
export function pi5(): FakeSysfs {
  const sysfs = gpioChip(zone(new FakeSysfs(), '45100'), 'pinctrl-rp1', 571);
  sysfs.put('/proc/device-tree/model', 'Raspberry Pi 5 Model B Rev 1.0\0');
  sysfs.put('/proc/loadavg', '0.05 0.03 0.00 1/120 999\n').put('/proc/uptime', '99.50 300.00\n');
  sysfs.put('/proc/meminfo', 'MemTotal: 8250000 kB\nMemAvailable: 7000000 kB\n');
  const inputs = { in1_input: '1466', in2_input: '2443', in3_input: '1397', in4_input: '1379' };
  hwmon(sysfs, 'hwmon1', `${PCIE}/1f000c8000.adc`, { name: 'rp1_adc', temp1_input: '46650', ...inputs });
  hwmon(sysfs, 'hwmon2', '/sys/devices/platform/cooling_fan', {
    name: 'pwmfan',
    fan1_input: '3012',
    pwm1: '75',
  });
  hwmon(sysfs, 'hwmon3', '/sys/devices/platform/axi/1000110000.pcie/pci0000:00/0000:01:00.0', {
    name: 'nvme',
    temp1_input: '38850',
    temp1_label: 'Composite',
    temp1_alarm: '0',
  });
  return hwmon(sysfs, 'hwmon4', '/sys/devices/platform/i2c-1/1-0040', {
    name: 'ina3221',
    in1_input: '5012',
    in1_enable: '0',
    curr2_input: '120',
  });
}
