// The operation table: which function answers which FUSE request. The dispatch functions unpack
// libfuse's arguments, call vfs/op_*, and reply; they are called on the serving threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fuse/libfuse.h"

namespace cvfs {

// `checks_access`: the kernel does not (owner=caller).
fuse_lowlevel_ops operation_table(bool checks_access);

// When libfuse is told of the connection's FUSE_INIT: it decodes and sets some fields only if it
// believes that it asked for the feature itself.
void dispatch_init(void* mount, fuse_conn_info* connection);

// dispatch_lookup.cpp
void dispatch_lookup(fuse_req_t request, fuse_ino_t parent, const char* name);
void dispatch_readlink(fuse_req_t request, fuse_ino_t node);
void dispatch_statfs(fuse_req_t request, fuse_ino_t node);

// dispatch_attr.cpp
void dispatch_getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info* info);
void dispatch_setattr(fuse_req_t request, fuse_ino_t node, struct stat* attr, int to_set,
                      fuse_file_info* info);
void dispatch_statx(fuse_req_t request, fuse_ino_t node, int flags, int mask, fuse_file_info* info);

// dispatch_create.cpp
void dispatch_create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                     fuse_file_info* info);
void dispatch_tmpfile(fuse_req_t request, fuse_ino_t parent, mode_t mode, fuse_file_info* info);
void dispatch_mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode);
void dispatch_mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                    dev_t device);
void dispatch_symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name);
void dispatch_link(fuse_req_t request, fuse_ino_t node, fuse_ino_t new_parent,
                   const char* new_name);

// dispatch_remove.cpp
void dispatch_unlink(fuse_req_t request, fuse_ino_t parent, const char* name);
void dispatch_rmdir(fuse_req_t request, fuse_ino_t parent, const char* name);
void dispatch_rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
                     const char* new_name, unsigned flags);

// dispatch_open.cpp
void dispatch_open(fuse_req_t request, fuse_ino_t node, fuse_file_info* info);
void dispatch_flush(fuse_req_t request, fuse_ino_t node, fuse_file_info* info);
void dispatch_release(fuse_req_t request, fuse_ino_t node, fuse_file_info* info);
void dispatch_opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* info);

// dispatch_io.cpp
void dispatch_read(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset,
                   fuse_file_info* info);
void dispatch_write(fuse_req_t request, fuse_ino_t node, const char* data, std::size_t size,
                    off_t offset, fuse_file_info* info);
void dispatch_fsync(fuse_req_t request, fuse_ino_t node, int data_only, fuse_file_info* info);
void dispatch_fallocate(fuse_req_t request, fuse_ino_t node, int mode, off_t offset, off_t length,
                        fuse_file_info* info);
void dispatch_lseek(fuse_req_t request, fuse_ino_t node, off_t offset, int whence,
                    fuse_file_info* info);
void dispatch_copy_file_range(fuse_req_t request, fuse_ino_t from, off_t from_offset,
                              fuse_file_info* from_info, fuse_ino_t to, off_t to_offset,
                              fuse_file_info* to_info, std::size_t length, int flags);

// dispatch_ioctl.cpp
void dispatch_ioctl(fuse_req_t request, fuse_ino_t node, unsigned command, void* argument,
                    fuse_file_info* info, unsigned flags, const void* data, std::size_t size,
                    std::size_t room);

// dispatch_readdir.cpp
void dispatch_readdir(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset,
                      fuse_file_info* info);
void dispatch_readdirplus(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset,
                          fuse_file_info* info);

// dispatch_xattr.cpp
void dispatch_getxattr(fuse_req_t request, fuse_ino_t node, const char* name, std::size_t size);
void dispatch_setxattr(fuse_req_t request, fuse_ino_t node, const char* name, const char* value,
                       std::size_t size, int flags);
void dispatch_removexattr(fuse_req_t request, fuse_ino_t node, const char* name);
void dispatch_listxattr(fuse_req_t request, fuse_ino_t node, std::size_t size);

// checked_operations.cpp: the same behind an access check (vfs/op_access.h), for owner=caller.
void checked_access(fuse_req_t request, fuse_ino_t node, int mask);
void checked_lookup(fuse_req_t request, fuse_ino_t parent, const char* name);
void checked_setattr(fuse_req_t request, fuse_ino_t node, struct stat* attr, int to_set,
                     fuse_file_info* info);
void checked_create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                    fuse_file_info* info);
void checked_tmpfile(fuse_req_t request, fuse_ino_t parent, mode_t mode, fuse_file_info* info);
void checked_mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode);
void checked_mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                   dev_t device);
void checked_symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name);
void checked_link(fuse_req_t request, fuse_ino_t node, fuse_ino_t new_parent, const char* new_name);
void checked_unlink(fuse_req_t request, fuse_ino_t parent, const char* name);
void checked_rmdir(fuse_req_t request, fuse_ino_t parent, const char* name);
void checked_rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
                    const char* new_name, unsigned flags);
void checked_open(fuse_req_t request, fuse_ino_t node, fuse_file_info* info);
void checked_opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* info);
void checked_getxattr(fuse_req_t request, fuse_ino_t node, const char* name, std::size_t size);
void checked_setxattr(fuse_req_t request, fuse_ino_t node, const char* name, const char* value,
                      std::size_t size, int flags);
void checked_removexattr(fuse_req_t request, fuse_ino_t node, const char* name);

}  // namespace cvfs
