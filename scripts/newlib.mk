# SPDX-License-Identifier: BSD-2-Clause
# newlib.mk: compiles newlib's libc and libm without its configure machinery, which would take four
# times as long. Called by scripts/build-newlib.
#
#   SRC=   newlib's directory with libc/ and libm/      INC=     its headers, configured
#   OUT=   where objects and lib*.a go                  CROSS=   prefix of the compiler
#   ARCH=  aarch64, arm                                 MACHINE= the compiler's flags for the CPU
#
HERE := $(dir $(lastword $(MAKEFILE_LIST)))

# A file name that occurs twice is taken from the directory named last: the machine's own assembly
# replaces the portable C, as in newlib's own build.

LIBC_DIRS = argz stdlib ctype search stdio string signal time locale reent errno misc syscalls ssp \
            machine/$(ARCH)
# Of the folders for systems with files and users, these files alone.
LIBC_FILES = $(addprefix posix/,regcomp.c regexec.c regerror.c regfree.c fnmatch.c glob.c \
                 collate.c collcmp.c creat.c) \
             unix/basename.c unix/dirname.c
# aarch64 has a long double of 128 bits; that of arm is a double.
LONG_DOUBLE_aarch64 = ld ld128
LIBM_DIRS = math common $(LONG_DOUBLE_$(ARCH)) complex fenv machine/$(ARCH)
# Left out: variants that the configuration excludes (nano formats, 64-bit file calls, other CPUs of
# the machine), a macro's fallback, what others include, the second of two frexpl, and memcpy and
# memmove, of which platform/arch/aarch64 has others.
LEAVE_OUT_aarch64 = s_frexpl.c $(foreach f,memcpy memmove,$f.c $f.S $f-stub.c)
LEAVE_OUT_arm = strcmp-%.S strlen-%.S aeabi_memmove-arm.S aeabi_memmove-thumb%.S \
                aeabi_memset-arm.S aeabi_memset-thumb%.S memcpy-armv7%.S s_nearbyint.c \
                sf_nearbyint.c
# What platform/libc defines: the linker might take these instead.
OURS = lock.c mlock.c stack_protector.c sysfcntl.c sysgetentropy.c
OURS += strtorx.c strtol.c strtoll.c strtoul.c strtoull.c strtoll_r.c strtoull_r.c strtoimax.c \
        strtoumax.c wcstol.c wcstoll.c wcstoul.c wcstoull.c wcstoll_r.c wcstoull_r.c wcstoimax.c \
        wcstoumax.c w_tgamma.c wf_tgamma.c
OURS += aligned_alloc.c calloc.c callocr.c cfreer.c freer.c malign.c malignr.c mallinfor.c \
        malloc.c mallocr.c malloptr.c mallstatsr.c msize.c msizer.c mstats.c mtrim.c pvallocr.c \
        realloc.c reallocr.c valloc.c vallocr.c
OURS += fenv.c feclearexcept.c fegetenv.c fegetexceptflag.c fegetround.c feholdexcept.c \
        feraiseexcept.c fesetenv.c fesetexceptflag.c fesetround.c fetestexcept.c feupdateenv.c
OURS += assert.c getopt.c signal.c strsignal.c strsep.c mrand48.c jrand48.c setenv.c setenv_r.c \
        putenv.c putenv_r.c
OURS += gmtime_r.c lcltime_r.c mktime.c tzset.c tzset_r.c tzcalc_limits.c tzlock.c tzvars.c \
        gettzinfo.c strftime.c wcsftime.c strptime.c
OURS += strerror.c b_tgammal.c tgammal.c \
        $(foreach f,atanh cosh fmod remainder,w_$f.c wf_$f.c) s_fdim.c sf_fdim.c
LEAVE_OUT = $(OURS) nano-%.c _mallocr.c %64r.c isgreater.c fenv_stub.c $(LEAVE_OUT_$(ARCH))

GCC_INCLUDE := $(foreach d,include include-fixed,\
    $(addprefix -isystem ,$(filter /%,$(shell $(CROSS)gcc -print-file-name=$d))))

# -Os keeps stdio small; -U__OPTIMIZE_SIZE__ keeps the fast memcpy. Frame pointers stay, so that a
# back trace crosses the C library.
FLAGS = -Os -U__OPTIMIZE_SIZE__ -g0 -w -ffunction-sections -fdata-sections -fno-omit-frame-pointer \
        -fno-pie $(MACHINE) -fno-stack-protector -fstack-clash-protection \
        --param=stack-clash-protection-guard-size=12 -fno-asynchronous-unwind-tables \
        -fno-unwind-tables -fno-common -fno-builtin \
        -U__linux__ -U__linux -Ulinux -U__gnu_linux__ -U__unix__ -U__unix -Uunix \
        -nostdinc $(GCC_INCLUDE) -isystem $(INC) \
        -D_COMPILING_NEWLIB -D_LIBC -DHAVE_MMAP=0 -D__NO_SYSCALLS__ -D_HAVE_INIT_FINI

# libm expects the compiler's sqrt and fabs, but a file that defines a function in terms of a pair
# or of a conversion must not become a call of that very function: sin and cos of one argument are
# one call of sincos, (long)rintl(x) is one of lrintl.
LIBM_FLAGS = -fbuiltin -fno-math-errno $(addprefix -fno-builtin-, \
    $(foreach f,sin cos rint,$f $ff $fl))
# Functions that set no errno have another name: platform/libc/math_errors*.c has those of theirs.
QUIET = sin cos tan tanf \
        sinl cosl tanl asinl acosl acoshl atanhl coshl sinhl \
        expl exp2l expm1l logl log2l log10l log1pl sqrtl lgammal powl hypotl fmodl remainderl
LIBM_FLAGS += $(foreach f,$(QUIET),-D$f=quiet_$f)
# The same for strtod and its kin: platform/libc/strtod.c.
FLAGS_strtod = $(foreach f,_strtod_l _strtod_r strtod strtod_l strtof strtof_l,-D$f=plain_$f)
FLAGS_strtodg = -DANY_PRECISION
FLAGS_fnmatch = -D_GNU_SOURCE
# These call __kernel_rem_pio2 with an argument too few: see platform/libc/rem_pio2l.c.
FLAGS_s_sinl = -D__kernel_rem_pio2=__kernel_rem_pio2l
FLAGS_s_cosl = $(FLAGS_s_sinl)
FLAGS_s_tanl = $(FLAGS_s_sinl)
# A compiler's own <limits.h> need not have newlib's limits.
FLAGS_regcomp = -include $(INC)/limits.h
FLAGS_collate = -include $(INC)/limits.h
# glob reads directories by the <dirent.h> of platform/libc.
FLAGS_glob = -D_GNU_SOURCE -include $(INC)/limits.h -isystem $(HERE)/../platform/libc/include
# Wide functions refuse each stream where streams have no orientation.
$(foreach n,fgetwc fgetwc_u fgetws fputws fwide ungetwc wbufw,$(eval FLAGS_$n := -D_WIDE_ORIENT))

sources = $(foreach d,$($2),$(filter-out $(addprefix $(SRC)/$1/$d/,$(LEAVE_OUT)), \
              $(wildcard $(SRC)/$1/$d/*.c $(SRC)/$1/$d/*.S)))
libc_sources = $(call sources,libc,LIBC_DIRS) $(addprefix $(SRC)/libc/,$(LIBC_FILES))
name = $(basename $(notdir $1))

$(foreach s,$(libc_sources),$(eval libc.$(call name,$s) := $s))
$(foreach s,$(call sources,libm,LIBM_DIRS),$(eval libm.$(call name,$s) := $s))
LIBC_NAMES := $(sort $(foreach s,$(libc_sources),$(call name,$s)))
LIBM_NAMES := $(sort $(foreach s,$(call sources,libm,LIBM_DIRS),$(call name,$s)))

LIBC_OBJECTS = $(LIBC_NAMES:%=$(OUT)/libc/%.o)
LIBM_OBJECTS = $(LIBM_NAMES:%=$(OUT)/libm/%.o)

# printf and scanf once more, with long doubles in full, with "%1$d" and "%ls".
# These are twice as large, and format each double as a long double. scripts/image.mk links
# libc-full.a, which has these, if an application wants them.
FULL_NAMES = $(filter %vfprintf %vfiprintf %vfscanf %vfwprintf %vfwscanf,$(LIBC_NAMES))
FULL_OBJECTS = $(FULL_NAMES:%=$(OUT)/full/%.o)
# All of printf and scanf are compiled from copies with calls in them (newlib-formats.sed). Only the
# full ones, whose narrow functions know "%ls" by _MB_CAPABLE, do without.
FORMATS := $(OUT)/formats
$(shell mkdir -p $(FORMATS) && for f in $(SRC)/libc/stdio/*vf*.c; do \
    sed -f $(HERE)/newlib-formats.sed $$f >$(FORMATS)/$${f##*/}; done)
$(foreach n,$(FULL_NAMES),$(eval libc.$n := $(FORMATS)/$n.c) \
    $(eval FLAGS_$n := -I$(SRC)/libc/stdio -include $(HERE)/newlib-formats.h \
                       $(if $(findstring w,$n),-DFORMAT_TEXT=0 -D_WIDE_ORIENT,-DFORMAT_TEXT=fmt0)))

all: $(OUT)/libc.a $(OUT)/libm.a $(OUT)/libc-full.a

count:
	@echo $(words $(FULL_OBJECTS) $(LIBC_OBJECTS) $(LIBM_OBJECTS))

# The object's source directory is on the include path, as in newlib's own build.
.SECONDEXPANSION:
$(OUT)/libc/%.o: $$(libc.$$*)
	@$(CROSS)gcc $(FLAGS_$*) $(FLAGS) -I$(<D) -I$(SRC)/../include -c $< -o $@ && echo $@
$(OUT)/full/%.o: $$(libc.$$*)
	@$(CROSS)gcc -DFULL_FORMATS -D_MB_CAPABLE $(FLAGS_$*) $(FLAGS) -I$(<D) -I$(SRC)/../include \
	    -c $< -o $@ && echo $@
$(OUT)/libm/%.o: $$(libm.$$*)
	@$(CROSS)gcc $(FLAGS_$*) $(FLAGS) $(LIBM_FLAGS) -I$(<D) -I$(SRC)/libm/common -c $< -o $@ && echo $@

$(OUT)/libc.a: $(LIBC_OBJECTS)
$(OUT)/libm.a: $(LIBM_OBJECTS)
$(OUT)/libc-full.a: $(filter-out $(FULL_NAMES:%=$(OUT)/libc/%.o),$(LIBC_OBJECTS)) \
                    $(FULL_OBJECTS)
$(OUT)/%.a:
	@rm -f $@ && $(CROSS)ar rcs $@ $^
