// Code that a hotfix put into a function stands in for the definition with that name until the source is edited.
#pragma once

#include <string>
#include <vector>

#include "base/python.hpp"

namespace rebottle {

void register_stand_in(PyCodeObject* code, const std::string& module, const std::string& where);
std::vector<PyCodeObject*> stand_ins(const std::string& module, const std::string& where);

}  // namespace rebottle
