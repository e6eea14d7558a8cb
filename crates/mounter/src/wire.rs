//! One message and its answer on a unix stream: JSON until the end of the stream, with at most one
//! descriptor.

use std::io::{self, IoSlice, IoSliceMut, Write as _};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use zeroize::Zeroizing;

use crate::message::{Message, Reply};

/// The longest message, in bytes: tokens are never in it, and arguments are short.
const MAX_LEN: usize = 1 << 20;

/// The most descriptors that are received; all but one are a mistake of the sender.
const MAX_DESCRIPTORS: usize = 4;

/// Sends a message with its descriptor, and says that no more follows.
pub(crate) fn send(
    stream: &UnixStream,
    message: &Message,
    device: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let bytes = Zeroizing::new(serde_json::to_vec(message)?);
    let mut rest = &bytes[..];
    if let Some(device) = device {
        let descriptors = [device];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        let sent = sendmsg(stream, &[IoSlice::new(rest)], &mut control, SendFlags::NOSIGNAL)?;
        rest = &rest[sent..];
    }
    let mut writer = stream;
    writer.write_all(rest)?;
    stream.shutdown(Shutdown::Write)
}

/// Receives a message, to the end of the stream.
pub(crate) fn receive(stream: &UnixStream) -> io::Result<(Message, Option<OwnedFd>)> {
    let (bytes, mut devices) = receive_bytes(stream.as_fd())?;
    let message = serde_json::from_slice(&bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, kind_of(&error)))?;
    if devices.len() > 1 {
        let problem = "more than one descriptor comes with the message";
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    Ok((message, devices.pop()))
}

/// The message may hold secrets, so the place of the fault is all that is shown.
fn kind_of(error: &serde_json::Error) -> String {
    format!("the message is no valid JSON at column {}", error.column())
}

fn receive_bytes(stream: BorrowedFd<'_>) -> io::Result<(Zeroizing<Vec<u8>>, Vec<OwnedFd>)> {
    // Room for all of it at once leaves no partial copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 << 10));
    let mut devices = Vec::new();
    let mut buffer = Zeroizing::new([0_u8; 16 << 10]);
    loop {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = recvmsg(
            stream,
            &mut [IoSliceMut::new(&mut *buffer)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        );
        let received = match received {
            Err(rustix::io::Errno::INTR) => continue,
            received => received?,
        };
        for part in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = part {
                devices.extend(descriptors);
            }
        }
        if received.bytes == 0 {
            return Ok((bytes, devices));
        }
        if bytes.len() + received.bytes > MAX_LEN {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too long"));
        }
        bytes.extend_from_slice(&buffer[..received.bytes]);
    }
}

/// Answers. A sender that has gone away, as the Go drivers do, is fine.
pub(crate) fn answer(stream: &UnixStream, reply: &Reply) -> io::Result<()> {
    let bytes = serde_json::to_vec(reply)?;
    let sent = rustix::net::send(stream, &bytes, SendFlags::NOSIGNAL);
    match sent {
        Ok(sent) => {
            let mut writer = stream;
            writer.write_all(&bytes[sent..])
        }
        Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Reads an answer, to the end of the stream.
pub(crate) fn read_reply(stream: &UnixStream) -> io::Result<Reply> {
    let (bytes, _) = receive_bytes(stream.as_fd())?;
    if bytes.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&bytes)?)
}
