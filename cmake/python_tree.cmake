# <build>/python is what an interpreter puts on its path to use this build: the files of each package are links into the
# source tree (so that an edit needs no build), those of the main one beside the extension module.
set_target_properties(_native PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/python/rebottle)

foreach(package rebottle pytest_rebottle)
  set(folder ${PROJECT_BINARY_DIR}/python/${package})
  file(MAKE_DIRECTORY ${folder})
  file(GLOB old_links ${folder}/*)
  foreach(link IN LISTS old_links)
    if(IS_SYMLINK ${link})
      file(REMOVE ${link})
    endif()
  endforeach()

  file(GLOB entries CONFIGURE_DEPENDS python/${package}/*)
  list(FILTER entries EXCLUDE REGEX "/__pycache__$")
  foreach(entry IN LISTS entries)
    get_filename_component(name ${entry} NAME)
    file(CREATE_LINK ${entry} ${folder}/${name} SYMBOLIC)
  endforeach()
endforeach()
