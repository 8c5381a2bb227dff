-- SPDX-License-Identifier: BSD-2-Clause
-- For wrk, which can only be told for how long to run: counts responses, and prints a line of
-- progress after each `step` of them and after the last one. clients.py then interrupts wrk, which
-- prints its summary. Arguments after `--`: the number of responses, and `step`.
local wanted, step, count = 0, 1, 0

function init(args)
    wanted, step = tonumber(args[1]), tonumber(args[2])
end

function response(status)
    count = count + 1
    if count % step == 0 or count == wanted then
        io.write("responses ", count, "\n")
        io.flush()
    end
    if count == wanted then
        wrk.thread:stop()
    end
end
