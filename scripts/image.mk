# SPDX-License-Identifier: BSD-2-Clause
# image.mk: compiles the rooms and one application, and links them: build/ARCH/APP.{elf,img,map}.

include scripts/config.mk
include scripts/toolchain.mk
include scripts/sources.mk
include scripts/littlefs.mk

# With LEGACY=0 drivers are compiled once more, and the image has an OUTDIR of its own.
OBJ := build/$(ARCH)/obj$(if $(DEBUG),-debug)
LIB := $(OUTDIR)/obj$(if $(DEBUG),-debug)
MODERN := $(if $(filter 0,$(LEGACY)),-modern)
OWNER_FILE := $(OUTDIR)/$(APP_NAME).app
DRIVER_NAMES := $(sort $(foreach s,$(ALL_DRIVERS),$(word 2,$(subst /, ,$s))))

# ---- what the application asks for ---------------------------------------------------------------

include scripts/appliance.mk
include scripts/libs.mk
APP_SRCS := $(foreach s,$(sort main.c $(SRCS)),$(if $(filter /%,$s),$s,$(APP_DIR)/$s))

foreign := $(filter-out %.c %.S,$(APP_SRCS))
$(if $(foreign),$(error $(APP_DIR)/app.mk: SRCS takes .c and .S files, not $(foreign)))
no_source := $(filter-out $(APP_SRCS),$(SMALL:%=$(APP_DIR)/%))
$(if $(no_source),$(error $(APP_DIR)/app.mk: SMALL names $(no_source), not among SRCS))
missing := $(filter-out $(wildcard $(APP_SRCS)),$(APP_SRCS))
$(if $(missing),$(error $(APP_DIR)/app.mk: SRCS names what does not exist: $(missing)))
$(if $(no_libs),$(error $(APP_DIR)/app.mk: LIBS names what does not exist: $(no_libs)))
no_driver := $(filter-out $(DRIVER_NAMES),$(DRIVERS))
$(if $(no_driver),$(error $(APP_DIR)/app.mk: DRIVERS names $(no_driver); there is: $(DRIVER_NAMES)))

# ---- objects -------------------------------------------------------------------------------------

# Everything is compiled again when its flags, the compiler or a library's release change.
# Where this tree lies makes no difference, so a copy of it can use its objects; nor does WERROR=.
FLAGS_NOW := $(CC_TARGET) $(shell $(CC_TARGET) -dumpfullversion) $(SOURCES_NOW) $(SELDOM) \
             $(filter-out -Werror,$(subst $(CURDIR),.,$(foreach r,$(ROOMS),$(FLAGS_$r))))
FLAGS_FILE := $(OBJ)/flags
$(shell mkdir -p $(OBJ) $(LIB))
$(if $(call differ,$(FLAGS_NOW),$(file <$(FLAGS_FILE))),$(file >$(FLAGS_FILE),$(FLAGS_NOW)))

# Objects lie below a folder for the room: obj/net-inet/net/inet/sock_tcp.c.o. Paths may be
# absolute.
object = $(OBJ)/$1$(if $(filter drivers,$1),$(MODERN))/$(patsubst /%,%,$(subst ../,up/,$2)).o
archive = $(LIB)/$1.a
# An archive for each room, and for each folder of drivers/: the map file shows which were linked.
PLAIN_ROOMS := $(filter-out drivers,$(ROOMS))
ARCHIVES := $(foreach r,$(PLAIN_ROOMS) $(DRIVER_NAMES:%=drivers-%),$(call archive,$r))
ALL_OBJECTS :=

define compile
ALL_OBJECTS += $(call object,$1,$2)
$(call object,$1,$2): $2 $(FLAGS_FILE)
	$$(call say,CC,$2)
	$(Q)mkdir -p $$(@D) && $(CC_TARGET) $$(FLAGS_$1) $3 -MMD -MP -c $$< -o $$@
endef
driver_objects = $(foreach s,$(filter drivers/$1/%,$(SRC_drivers)),$(call object,drivers,$s))
define collect
$(call archive,$1): $2
	$(Q)rm -f $$@ && $(CROSS)ar qcsT $$@ $$^
endef
own_flags = $(if $(filter drivers,$1),$(if $(MODERN),-DVIREO_LEGACY=0)) \
            $(if $(filter $(SELDOM),$2),-Os)
$(foreach r,$(ROOMS),$(foreach s,$(SRC_$r),$(eval $(call compile,$r,$s,$(call own_flags,$r,$s)))))
$(foreach r,$(PLAIN_ROOMS),\
    $(eval $(call collect,$r,$(foreach s,$(SRC_$r),$(call object,$r,$s)))))
$(foreach d,$(DRIVER_NAMES),$(eval $(call collect,drivers-$d,$(call driver_objects,$d))))

# File systems that an image names have archives of their own: others are linked from one index.
FS_ROOMS := $(if $(filter littlefs,$(FILESYSTEMS)),files-littlefs littlefs)
FS_ARCHIVES := $(FS_ROOMS:%=$(LIB)/%.a)
$(foreach r,$(FS_ROOMS),$(foreach s,$(SRC_$r),$(eval $(call compile,$r,$s))))
$(foreach r,$(FS_ROOMS),\
    $(eval $(call collect,$r,$(foreach s,$(SRC_$r),$(call object,$r,$s)))))
$(foreach s,$(SRC_files-littlefs),$(call object,files-littlefs,$s)): $(LITTLEFS)/.fixed \
    scripts/littlefs.mk

# A library that the application names has a room of its own, which is compiled for it alone.
define compile_lib
$(eval $(call compile,$1,$2,$(if $(filter $2,$(LIB_SRC_$1)),-w)))
$(eval $(call object,$1,$2): $(LIB_SRC_$1) $(wildcard scripts/libs.mk scripts/$1.mk))
endef
lib_objects = $(foreach s,$(SRC_$1) $(LIB_SRC_$1),$(call object,$1,$s))
$(foreach l,$(LIBS_FROM),\
    $(foreach s,$(SRC_$l) $(LIB_SRC_$l),$(call compile_lib,$l,$s)) \
    $(eval $(call collect,$l,$(call lib_objects,$l))))
LIB_ARCHIVES := $(FS_ARCHIVES) $(foreach l,$(LIBS_FROM),$(call archive,$l))

# Two folders may have the same name: their objects are kept apart by the path.
APP_ROOM := app/$(APP_NAME)-$(shell printf %s '$(abspath $(APP_DIR))' | cksum | cut -d' ' -f1)
# The headers of this tree are system headers to it, so its own of the same name are found first.
FLAGS_$(APP_ROOM) = $(FLAGS_app) -I$(APP_DIR) \
    $(foreach l,$(LIBS_FROM),$(addprefix -isystem ,$(LIB_INCLUDE_$l)))
app_object = $(OBJ)/$(APP_ROOM)/$(subst /,@,$(patsubst $(APP_DIR)/%,%,$1)).o
define compile_app
ALL_OBJECTS += $(call app_object,$1)
$(call app_object,$1): $1 $(FLAGS_FILE) $(OWNER_FILE) $(wildcard $(APP_DIR)/app.mk) \
        $(foreach l,$(LIBS_FROM),$(LIB_SRC_$l))
	$$(call say,CC,$1)
	$(Q)mkdir -p $$(@D) && $(CC_TARGET) $$(FLAGS_$(APP_ROOM)) \
	    $$(if $$(filter $(SMALL:%=$(APP_DIR)/%),$1),-Os) $(CFLAGS) -MD -MP -c $$< -o $$@
endef
$(foreach s,$(APP_SRCS),$(eval $(call compile_app,$s)))
-include $(ALL_OBJECTS:.o=.d)

# ---- the image -----------------------------------------------------------------------------------

# Drivers that the application names are linked whole, used or not, and the files that they make.
WHOLE := $(foreach d,$(DRIVERS),$(call driver_objects,$d) \
    $(foreach s,$(filter files/dev_$d.c,$(SRC_files)),$(call object,files,$s))) \
    $(foreach s,$(filter $(FILESYSTEMS:%=files/fs_%.c),$(SRC_files)),$(call object,files,$s)) \
    $(foreach f,$(filter $(FILESYSTEMS:%=files-%),$(FS_ROOMS)),\
        $(call object,$f,$(subst -,/,$f)/$(f:files-%=%)_mount.c))
APP_OBJECTS := $(foreach s,$(APP_SRCS),$(call app_object,$s)) $(WHOLE)
ELF := $(IMAGE:.img=.elf)
STEM := $(OBJ)/$(APP_ROOM)/image
LD_SCRIPT := $(BOARD_LD)/$(ARCH)-$(BOARD_NAME).ld
# The linker's cure of Cortex-A53's erratum 843419: by ADR it takes no room, and reaches 1 MiB;
# where that is too near, the usual one, which may take 4 KiB for each place.
CURE := $(STEM).cure
CURE_aarch64 = -Wl,--fix-cortex-a53-843419=adr
link = $(CC_TARGET) $(LDFLAGS) @$(CURE) -T $(LD_SCRIPT) $1 $(args) $(APP_OBJECTS) \
       -Wl,--start-group $(LIBS) $(LIB_ARCHIVES) $(everything) -lgcc -Wl,--end-group

# One index over the rooms and newlib, in this order: what a room defines (the locks, malloc) is
# found before newlib's function of that name. A second one has printf and scanf in full
# (newlib.mk).
EVERYTHING := $(LIB)/everything.a
FULL_LIB := $(wildcard $(NEWLIB_LIB)/libc-full.a)
EVERYTHING_FULL := $(if $(FULL_LIB),$(LIB)/everything-full.a)
$(EVERYTHING): $(ARCHIVES) $(NEWLIB_LIB)/libc.a $(NEWLIB_LIB)/libm.a
$(EVERYTHING_FULL): $(ARCHIVES) $(FULL_LIB) $(NEWLIB_LIB)/libm.a
# In place of newlib's files are platform/libc/format_string.c and path_change.c, of two each, and
# environ_begin.c.
$(EVERYTHING) $(EVERYTHING_FULL):
	$(Q)rm -f $@ && $(CROSS)ar qcsT $@ $^ && $(CROSS)ar dT $@ svfprintf.o sfputs_r.o \
	    renamer.o remove.o environ.o
# The second is for an application with a literal, narrow or wide, that is a format with a long
# double, "%1$d" or "%ls", and for one whose app.mk says so.
FULL_FORMAT := %([0-9]+\$$|[^%A-Za-z]*(L[aAeEfFgG]|l[cs]))
literals = for e in s L; do \
               $(CROSS)strings -d -n 3 -e $$e $(APP_OBJECTS) $(filter-out -%,$(LIBS)); done
everything = $(if $(FULL_LIB),$(if $(FORMATS),$(EVERYTHING_FULL),$$($(literals) | \
    grep -qE '$(FULL_FORMAT)' && echo $(EVERYTHING_FULL) || echo $(EVERYTHING))),$(EVERYTHING))

# The appliance whose image lies in build/ARCH: its folder, and how the image was built.
OWNER := $(abspath $(APP_DIR)) $(DEBUG) $(CFLAGS) $(SMALL) $(LIBS) $(DRIVERS) $(FORMATS) \
         $(FILESYSTEMS) $(MOUNTS) $(LIBS_FROM)
owner_was := $(strip $(file <$(OWNER_FILE)))
ifneq ($(owner_was),$(strip $(OWNER)))
ifneq ($(filter-out $(firstword $(OWNER)),$(firstword $(owner_was))),)
$(info note: $(IMAGE) was built from $(firstword $(owner_was)), now from $(firstword $(OWNER)))
endif
$(file >$(OWNER_FILE),$(OWNER))
endif

# The mount table that the image has unless a boot argument says otherwise (files/mount.h).
MOUNTS_OBJECT := $(if $(FILESYSTEMS),$(STEM).mounts.o)
space := $(subst ,, )
MOUNTS_TEXT := $(subst $(space),$(comma),$(strip $(MOUNTS)))
$(MOUNTS_OBJECT): $(OWNER_FILE) $(FLAGS_FILE)
	$(Q)mkdir -p $(@D) && echo 'const char mount_of_app[] = "$(MOUNTS_TEXT)";' | \
	    $(CC_TARGET) $(FLAGS_files) -x c -c - -o $@
APP_OBJECTS += $(MOUNTS_OBJECT)

# What gives main() its arguments is linked unless the sources say that it takes none.
takes_none := ^[a-z ]*\<main *\( *(void)? *\)
takes_some := \<main *\([^)]*(int|char)
main_alone := $(shell grep -qE '$(takes_none)' $(APP_SRCS) && \
    ! grep -qE '$(takes_some)' $(APP_SRCS) && echo yes)
ARGS_OBJECT := $(if $(main_alone),,$(STEM).args.o)
$(ARGS_OBJECT): $(OWNER_FILE) $(FLAGS_FILE)
	$(Q)mkdir -p $(@D) && echo 'const char args_image[] = "$(APP_NAME)";' | \
	    $(CC_TARGET) $(FLAGS_libc) -x c -c - -o $@
APP_OBJECTS += $(ARGS_OBJECT)
args := $(if $(ARGS_OBJECT),-Wl$(comma)-u$(comma)args_begin)

# Linked twice: the names of the functions, for back traces, are known after the first time. They
# come behind the code, so no function moves; that is checked.
$(ELF): $(APP_OBJECTS) $(filter-out -%,$(LIBS)) $(LIB_ARCHIVES) $(EVERYTHING) $(EVERYTHING_FULL) \
        $(LD_SCRIPT) linker/virt.ld $(OWNER_FILE) scripts/symtab.py
	$(call say,LD,$@)
	$(Q)echo '$(CURE_$(ARCH))' >$(CURE)
	$(Q)if $(call link,-o $(STEM).first) 2>$(STEM).said; then cat $(STEM).said >&2; \
	    elif grep -q 843419 $(STEM).said; then : >$(CURE); $(call link,-o $(STEM).first); \
	    else cat $(STEM).said >&2; false; fi
	$(Q)$(PYTHON) scripts/symtab.py $(CROSS)nm $(STEM).first $(STEM).S
	$(Q)$(CC_TARGET) $(MACHINE) -c $(STEM).S -o $(STEM).names.o
	$(Q)$(call link,$(STEM).names.o -Wl$(comma)-Map=$(@:.elf=.map) -o $(STEM).elf)
	$(Q)$(PYTHON) scripts/symtab.py $(CROSS)nm $(STEM).elf $(STEM).S --check
	$(Q)mv $(STEM).elf $@ && rm -f $(STEM).first

# What a flat image needs in front, if the linker script does not put it there.
HEADER_arm = && $(PYTHON) scripts/uimage.py $< $@
$(IMAGE): $(ELF) scripts/uimage.py
	$(Q)$(CROSS)objcopy -O binary $< $@.new && mv $@.new $@ $(HEADER_$(ARCH))

image: $(IMAGE) $(APP_DISK) $(APP_INITRD)
	@$(PYTHON) scripts/symtab.py --size $(CROSS)size $(ELF) $<

# The folder's content is compared, not its date: mkdisk leaves an equal image alone.
$(APP_DISK): FORCE
	@$(PYTHON) scripts/mkdisk $(DISK_OF_APP) $@ --quiet
$(APP_INITRD): FORCE
	@$(PYTHON) scripts/mkdisk $(APP_DIR)/initrd $@ --quiet

FORCE:
.PHONY: image FORCE
.DELETE_ON_ERROR:
