-- Prints wrk's own totals once as JSON; times are in microseconds.
function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      'summary {"requests":%d,"bytes":%.0f,"duration":%d,"p50":%d,"p99":%d,"max":%d,' ..
      '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\n',
      summary.requests, summary.bytes, summary.duration,
      latency:percentile(50), latency:percentile(99), latency.max,
      errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
