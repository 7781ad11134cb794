# How our own sources are compiled; hosts that link the library see nothing of it.
add_library(rebottle_flags INTERFACE)
target_compile_options(rebottle_flags INTERFACE -Wall -Wextra -Wpedantic)
target_compile_definitions(rebottle_flags INTERFACE REBOTTLE_VERSION="${PROJECT_VERSION}")

if(REBOTTLE_WERROR)
  target_compile_options(rebottle_flags INTERFACE -Werror)
endif()
# What instruments the code must be there when it is linked, too: by a host as well as by our own targets.
set(instrumentation "")
if(REBOTTLE_SANITIZE)
  list(APPEND instrumentation -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  # More of -O or -g takes the compiler many times as long; instrumented code misleads its search for unset variables.
  target_compile_options(rebottle_flags INTERFACE -O1 -g1 -Wno-maybe-uninitialized)
endif()
if(REBOTTLE_COVERAGE)
  list(APPEND instrumentation --coverage)
  target_compile_options(rebottle_flags INTERFACE -O0)
endif()
target_compile_options(rebottle_flags INTERFACE ${instrumentation})
target_link_options(rebottle_flags INTERFACE ${instrumentation})
