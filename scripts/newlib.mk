# SPDX-License-Identifier: BSD-2-Clause
# newlib.mk: compiles newlib's libc and libm for AArch64 without its configure machinery, which
# would take four times as long. Called by scripts/build-newlib, which has unpacked SRC.
#
#   SRC=   newlib's directory with libc/ and libm/      INC=   its headers, configured
#   OUT=   where objects and lib*.a go                  CROSS= prefix of the compiler
#
# A file name that occurs twice is taken from the directory named last: the machine's own assembly
# replaces the portable C, as in newlib's own build.

LIBC_DIRS = argz stdlib ctype search stdio string signal time locale reent errno misc syscalls ssp \
            machine/aarch64
LIBM_DIRS = math common complex fenv machine/aarch64
# Variants that the configuration excludes (nano formats, 64-bit file calls) and a macro's fallback.
LEAVE_OUT = nano-%.c %64r.c isgreater.c fenv_stub.c

# -Os keeps stdio small; -U__OPTIMIZE_SIZE__ keeps the fast memcpy. Frame pointers stay, so that a
# back trace crosses the C library.
FLAGS = -Os -U__OPTIMIZE_SIZE__ -g0 -w -ffunction-sections -fdata-sections -fno-omit-frame-pointer \
        -fno-pie -mno-outline-atomics -fno-stack-protector -fstack-clash-protection \
        --param=stack-clash-protection-guard-size=12 -fno-asynchronous-unwind-tables \
        -fno-unwind-tables -fno-common -fno-builtin \
        -U__linux__ -U__linux -Ulinux -U__gnu_linux__ -U__unix__ -U__unix -Uunix \
        -nostdinc -isystem $(shell $(CROSS)gcc -print-file-name=include) -isystem $(INC) \
        -D_COMPILING_NEWLIB -D__NO_SYSCALLS__ -DHAVE_INIT_FINI

sources = $(foreach d,$($2),$(filter-out $(addprefix $(SRC)/$1/$d/,$(LEAVE_OUT)), \
              $(wildcard $(SRC)/$1/$d/*.c $(SRC)/$1/$d/*.S)))
name = $(basename $(notdir $1))

$(foreach s,$(call sources,libc,LIBC_DIRS),$(eval libc.$(call name,$s) := $s))
$(foreach s,$(call sources,libm,LIBM_DIRS),$(eval libm.$(call name,$s) := $s))
LIBC_NAMES := $(sort $(foreach s,$(call sources,libc,LIBC_DIRS),$(call name,$s)))
LIBM_NAMES := $(sort $(foreach s,$(call sources,libm,LIBM_DIRS),$(call name,$s)))

# Files that are compiled several times: object, source and what is defined.
FORMATS = vfprintf vfscanf vfwprintf vfwscanf
define format_variants
VARIANTS += s$1:$1:-DSTRING_ONLY
VARIANTS += $(subst vf,vfi,$1):$1:-DINTEGER_ONLY
VARIANTS += $(subst vf,svfi,$1):$1:-DSTRING_ONLY~-DINTEGER_ONLY
endef
$(foreach f,$(FORMATS),$(eval $(call format_variants,$f)))
MALLOC = freer:FREE reallocr:REALLOC callocr:CALLOC cfreer:CFREE mallinfor:MALLINFO \
         mallstatsr:MALLOC_STATS msizer:MALLOC_USABLE_SIZE mallocr:MALLOC malignr:MEMALIGN \
         malloptr:MALLOPT pvallocr:PVALLOC vallocr:VALLOC
field = $(word $1,$(subst :, ,$2))
VARIANTS += $(foreach m,$(MALLOC),\
    $(call field,1,$m):mallocr:-DINTERNAL_NEWLIB~-DDEFINE_$(call field,2,$m))
$(foreach v,$(VARIANTS),\
    $(eval libc.$(call field,1,$v) := $(libc.$(call field,2,$v))) \
    $(eval flags.$(call field,1,$v) := $(subst ~, ,$(call field,3,$v))))
LIBC_NAMES := $(sort $(LIBC_NAMES) $(foreach v,$(VARIANTS),$(call field,1,$v)))

LIBC_OBJECTS = $(LIBC_NAMES:%=$(OUT)/libc/%.o)
LIBM_OBJECTS = $(LIBM_NAMES:%=$(OUT)/libm/%.o)

all: $(OUT)/libc.a $(OUT)/libm.a

count:
	@echo $(words $(LIBC_OBJECTS) $(LIBM_OBJECTS))

# The object's source directory is on the include path, as in newlib's own build.
.SECONDEXPANSION:
$(OUT)/libc/%.o: $$(libc.$$*)
	@$(CROSS)gcc $(FLAGS) $(flags.$*) -I$(<D) -c $< -o $@ && echo $@
$(OUT)/libm/%.o: $$(libm.$$*)
	@$(CROSS)gcc $(FLAGS) -fbuiltin -fno-math-errno -I$(<D) -I$(SRC)/libm/common -c $< -o $@ && echo $@

$(OUT)/libc.a: $(LIBC_OBJECTS)
$(OUT)/libm.a: $(LIBM_OBJECTS)
$(OUT)/%.a:
	@rm -f $@ && $(CROSS)ar rcs $@ $^
