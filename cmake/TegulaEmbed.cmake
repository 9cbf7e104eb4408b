# cmake -DOUT=file.c -DDIR=std -DPREFIX=std/ -DARRAY=tg_std_modules -P TegulaEmbed.cmake: writes the modules of a folder
# as C arrays (dsl/parser/std_modules.h). Module `x.dsl` is called PREFIX followed by `x`.
file(GLOB modules ${DIR}/*.dsl)
list(SORT modules)
set(arrays "")
set(rows "")
foreach(module IN LISTS modules)
    get_filename_component(name ${module} NAME_WE)
    file(READ ${module} hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
    # char may be signed: bytes above 0x7f are written as unsigned ones
    string(APPEND arrays "static const unsigned char text_${name}[] = {\n${bytes}0};\n")
    string(APPEND rows "    {\"${PREFIX}${name}\", (const char *)text_${name}, sizeof text_${name} - 1},\n")
endforeach()
file(WRITE ${OUT} "/* Made from the modules ${PREFIX}… by TegulaEmbed.cmake. */
#include \"dsl/parser/std_modules.h\"

${arrays}
extern const tg_std_module ${ARRAY}[];
const tg_std_module ${ARRAY}[] = {
${rows}    {NULL, NULL, 0}};
")
