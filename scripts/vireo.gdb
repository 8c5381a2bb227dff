# SPDX-License-Identifier: BSD-2-Clause
# vireo.gdb - for a gdb that is connected to an image: `make debug` prints the command. It stops
# where a fault or a panic ends the image, behind the report on the serial line, and shows the
# source lines of the place and of its callers. gdb alone cannot look past the code of vectors.S
# that stored the registers of a fault, so they are put back: `vireo-fault` does it, `continue`
# undoes it first.

set $vireo_fault = 0
set $vireo_there = 0

define vireo-frame
set $vireo_frame = (struct arch_frame *)((char *)&__fault_stack_top - sizeof(struct arch_frame))
end
document vireo-frame
Sets $vireo_frame: the registers that vectors.S stored at the fault.
end

# Registers with names that do not end in a number: the stack pointer, the link register of 32-bit
# Arm, the program counter last.
define vireo-keep
set $vireo_sp = $sp
set $vireo_lr = sizeof(void *) == 8 ? $x30 : $lr
set $vireo_pc = $pc
set $vireo_n = 0
while $vireo_n < $vireo_count
eval "set $vireo_%d = $%s%d", $vireo_n, $vireo_letter, $vireo_n
set $vireo_n = $vireo_n + 1
end
end
document vireo-keep
Keeps the registers of now for vireo-back.
end

define vireo-fault
vireo-frame
if sizeof(void *) == 8
set $vireo_letter = "x"
set $vireo_count = 31
else
set $vireo_letter = "r"
set $vireo_count = 13
end
if !$vireo_there
vireo-keep
end
set $vireo_there = 1
set $vireo_n = 0
while $vireo_n < $vireo_count
eval "set $%s%d = $vireo_frame->%s[%d]", $vireo_letter, $vireo_n, $vireo_letter, $vireo_n
set $vireo_n = $vireo_n + 1
end
if sizeof(void *) == 4
set $lr = $vireo_frame->lr
end
set $sp = $vireo_frame->sp
set $pc = $vireo_frame->pc
end
document vireo-fault
Goes to the place of the last fault: backtrace, frame, info locals then tell of that place.
end

define vireo-back
if $vireo_there
select-frame 0
set $vireo_n = 0
while $vireo_n < $vireo_count
eval "set $%s%d = $vireo_%d", $vireo_letter, $vireo_n, $vireo_n
set $vireo_n = $vireo_n + 1
end
if sizeof(void *) == 4
set $lr = $vireo_lr
end
set $sp = $vireo_sp
set $pc = $vireo_pc
set $vireo_there = 0
end
end
document vireo-back
Undoes vireo-fault, so that the image can go on.
end

define hook-continue
vireo-back
end

break arch_fault
commands
silent
set $vireo_fault = 1
continue
end

break fault_finish
commands
silent
if $vireo_fault
vireo-fault
end
backtrace
end
