// Compiles HLSL with FXC or DXC, and prints what they made of it, as text. With the arguments that wgpu 30 gives them:
//
//   hlsl.exe d3dcompiler_47.dll 0x800 <names    FXC, with D3DCOMPILE_ENABLE_STRICTNESS
//   hlsl.exe dxcompiler.dll -Ges <names         DXC
//
// Files are named NUMBER.ENTRY_POINT.PROFILE.hlsl. Their first line, a comment, is printed as well.
#define COBJMACROS
#include <d3dcompiler.h>
#include <stdio.h>
#include <stdlib.h>

// What MinGW lacks of dxcapi.h.
typedef struct { const void *data; SIZE_T size; UINT encoding; } Buffer;
typedef struct Result { struct {
    void *unknown[3];
    HRESULT (WINAPI *status)(struct Result *, HRESULT *);
    HRESULT (WINAPI *output)(struct Result *, ID3DBlob **);
    HRESULT (WINAPI *errors)(struct Result *, ID3DBlob **);
} *calls; } Result;
typedef struct Compiler { struct {
    void *unknown[3];
    HRESULT (WINAPI *compile)(struct Compiler *, Buffer *, LPCWSTR *, UINT, void *, REFIID, Result **);
    HRESULT (WINAPI *disassemble)(struct Compiler *, Buffer *, REFIID, Result **);
} *calls; } Compiler;
static const GUID DXC_COMPILER = {0x73e22d93, 0xe6ce, 0x47f3, {0xb5, 0xbf, 0xf0, 0x66, 0x4f, 0x39, 0xc1, 0xb0}};
static const GUID COMPILER3 = {0x228b4687, 0x5a6a, 0x4730, {0x90, 0x0c, 0x97, 0x02, 0xb2, 0x20, 0x3f, 0x54}};
static const GUID RESULT = {0x58346cda, 0xdde7, 0x4497, {0x94, 0x61, 0x6f, 0x87, 0xaf, 0x5e, 0x06, 0x59}};

static void check(const char *name, HRESULT status, ID3DBlob *errors) {
    if (SUCCEEDED(status)) return;
    fprintf(stderr, "%s: %#lx\n%s\n", name, status, errors ? (char *)ID3D10Blob_GetBufferPointer(errors) : "");
    exit(1);
}

static Buffer output(const char *name, HRESULT status, Result *result) {
    ID3DBlob *blob = NULL, *errors = NULL;
    check(name, status, NULL);
    check(name, result->calls->errors(result, &errors), NULL);
    check(name, result->calls->status(result, &status), NULL);
    check(name, status, errors);
    check(name, result->calls->output(result, &blob), errors);
    return (Buffer){ID3D10Blob_GetBufferPointer(blob), ID3D10Blob_GetBufferSize(blob), 0};
}

static Buffer dxc(Compiler *compiler, const char *name, Buffer text, char *entry_point, char *profile, char **more) {
    const char *options[] = {"-HV", "2018", "-no-warnings", "-E", entry_point, "-T", profile, more[0], more[1]};
    WCHAR wide[9][99];
    LPCWSTR arguments[9];
    UINT count = 0;
    for (; count < 9 && options[count]; count++) {
        swprintf(wide[count], 99, L"%hs", options[count]);
        arguments[count] = wide[count];
    }
    Result *result = NULL;
    HRESULT status = compiler->calls->compile(compiler, &text, arguments, count, NULL, &RESULT, &result);
    Buffer object = output(name, status, result);
    status = compiler->calls->disassemble(compiler, &object, &RESULT, &result);
    return output(name, status, result);
}

int main(int count, char **arguments) {
    static char text[1 << 20], name[99], entry_point[99], profile[99];
    HMODULE library = count > 2 ? LoadLibraryA(arguments[1]) : NULL;
    pD3DCompile fxc = (void *)GetProcAddress(library, "D3DCompile");
    pD3DDisassemble fxc_disassemble = (void *)GetProcAddress(library, "D3DDisassemble");
    HRESULT (WINAPI *create)(REFIID, REFIID, Compiler **) = (void *)GetProcAddress(library, "DxcCreateInstance");
    Compiler *compiler = NULL;
    if (create) check(arguments[1], create(&DXC_COMPILER, &COMPILER3, &compiler), NULL);
    check("Which compiler?", compiler || fxc ? S_OK : E_FAIL, NULL);
    while (scanf("%98s", name) == 1) {
        FILE *file = fopen(name, "rb");
        check(name, file ? S_OK : E_FAIL, NULL);
        Buffer source = {text, fread(text, 1, sizeof text, file), CP_UTF8}, assembly;
        fclose(file);
        sscanf(name, "%*[^.].%[^.].%[^.]", entry_point, profile);
        if (compiler) {
            assembly = dxc(compiler, name, source, entry_point, profile, arguments + 2);
        } else {
            ID3DBlob *object = NULL, *errors = NULL, *blob = NULL;
            UINT flags = strtoul(arguments[2], NULL, 0);
            HRESULT status =
                fxc(text, source.size, NULL, NULL, NULL, entry_point, profile, flags, 0, &object, &errors);
            check(name, status, errors);
            void *code = ID3D10Blob_GetBufferPointer(object);
            check(name, fxc_disassemble(code, ID3D10Blob_GetBufferSize(object), 0, NULL, &blob), NULL);
            assembly = (Buffer){ID3D10Blob_GetBufferPointer(blob), ID3D10Blob_GetBufferSize(blob), 0};
        }
        printf("%.*s\n%.*s\n", (int)strcspn(text, "\n"), text, (int)assembly.size, (const char *)assembly.data);
    }
}
