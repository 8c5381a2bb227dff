-- SPDX-License-Identifier: BSD-2-Clause
-- For wrk, which only knows how long to run: counts responses, tells its progress on the standard
-- output, and says when there were enough. load.py then interrupts wrk, which prints its summary.
-- Arguments after `--`: how many responses, and after how many a progress line.
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
