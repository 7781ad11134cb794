# <build>/python is what an interpreter puts on its path to use this build: the package's files are links into the
# source tree (so that an edit needs no build) beside the extension module.
set(package ${PROJECT_BINARY_DIR}/python/rebottle)
set_target_properties(_native PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${package})

file(GLOB old_links ${package}/*)
foreach(link IN LISTS old_links)
  if(IS_SYMLINK ${link})
    file(REMOVE ${link})
  endif()
endforeach()

file(GLOB entries CONFIGURE_DEPENDS python/rebottle/*)
list(FILTER entries EXCLUDE REGEX "/__pycache__$")
file(MAKE_DIRECTORY ${package})
foreach(entry IN LISTS entries)
  get_filename_component(name ${entry} NAME)
  file(CREATE_LINK ${entry} ${package}/${name} SYMBOLIC)
endforeach()
