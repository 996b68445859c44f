//! Portal RPC: what a request or its answer shows of itself
//! (`lustre/include/uapi/linux/lustre/lustre_idl.h` of Lustre 2.15).

use nom::{
    IResult, Parser,
    bytes::complete::{tag, take},
    combinator::verify,
    number::complete::{le_u16, le_u32},
};
use serde::{Deserialize, Serialize};

use super::target::TargetName;

/// `LUSTRE_MSG_MAGIC_V2`.
const MAGIC: [u8; 4] = [0xd3, 0x0b, 0xd0, 0x0b];
const MAX_BUFFERS: u32 = 32;
/// `UUID_MAX`.
const MAX_UUID_LEN: u32 = 40;
const POLICY_NULL: u32 = 0;
const POLICY_GSS: u32 = 2;
const SERVICE_PRIVACY: u32 = 3;

/// A security flavor: the low 20 bits of the word in a message's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flavor(pub u32);

impl Flavor {
    const NAMES: [(u32, &'static str); 8] = [
        (0x000, "null"),
        (0x001, "plain"),
        (0x012, "krb5n"),
        (0x112, "krb5a"),
        (0x212, "krb5i"),
        (0x312, "krb5p"),
        (0x222, "ski"),
        (0x322, "skpi"),
    ];
    const OTHER_GSS: &'static str = "gss";
    const UNKNOWN: &'static str = "unknown";

    /// Its name in Lustre's configuration, where it has one.
    #[must_use]
    pub fn name(self) -> &'static str {
        let known = Self::NAMES
            .iter()
            .find(|&&(code, _)| code == self.0 & 0xfff);
        match known {
            Some((_, name)) => name,
            None if self.policy() == POLICY_GSS => Self::OTHER_GSS,
            None => Self::UNKNOWN,
        }
    }

    /// The name, where a flavor has it.
    #[must_use]
    pub fn known(name: &str) -> Option<&'static str> {
        let names = Self::NAMES.iter().map(|&(_, name)| name);
        let mut names = names.chain([Self::OTHER_GSS, Self::UNKNOWN]);
        names.find(|&known| known == name)
    }

    fn policy(self) -> u32 {
        self.0 & 15
    }

    /// Tests that it hides the body of an RPC.
    #[must_use]
    pub fn is_private(self) -> bool {
        self.policy() == POLICY_GSS && self.0 >> 8 & 15 == SERVICE_PRIVACY
    }
}

/// An operation code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Opcode(pub u32);

impl Opcode {
    /// Tests that it asks for a connection to a target: `OST_CONNECT`, `MDS_CONNECT`, `MGS_CONNECT`.
    #[must_use]
    pub fn connects(self) -> bool {
        matches!(self.0, 8 | 38 | 250)
    }

    /// Its name in Lustre's sources.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let place = OPERATIONS.binary_search_by_key(&self.0, |&(code, _)| code);
        place.ok().map(|place| OPERATIONS[place].1)
    }
}

/// `ost_cmd_t`, `mds_cmd_t`, `ldlm_cmd_t`, `mgs_cmd_t`, `obd_cmd_t`, llog, quota, sec, fld, seq
/// and out operations of Lustre 2.15.
#[rustfmt::skip]
const OPERATIONS: &[(u32, &str)] = &[
    (0, "OST_REPLY"), (1, "OST_GETATTR"), (2, "OST_SETATTR"), (3, "OST_READ"),
    (4, "OST_WRITE"), (5, "OST_CREATE"), (6, "OST_DESTROY"), (7, "OST_GET_INFO"),
    (8, "OST_CONNECT"), (9, "OST_DISCONNECT"), (10, "OST_PUNCH"), (11, "OST_OPEN"),
    (12, "OST_CLOSE"), (13, "OST_STATFS"), (16, "OST_SYNC"), (17, "OST_SET_INFO"),
    (18, "OST_QUOTACHECK"), (19, "OST_QUOTACTL"), (20, "OST_QUOTA_ADJUST_QUNIT"),
    (21, "OST_LADVISE"), (22, "OST_FALLOCATE"), (23, "OST_SEEK"),
    (33, "MDS_GETATTR"), (34, "MDS_GETATTR_NAME"), (35, "MDS_CLOSE"), (36, "MDS_REINT"),
    (37, "MDS_READPAGE"), (38, "MDS_CONNECT"), (39, "MDS_DISCONNECT"),
    (40, "MDS_GET_ROOT"), (41, "MDS_STATFS"), (42, "MDS_PIN"), (43, "MDS_UNPIN"),
    (44, "MDS_SYNC"), (45, "MDS_DONE_WRITING"), (46, "MDS_SET_INFO"),
    (47, "MDS_QUOTACHECK"), (48, "MDS_QUOTACTL"), (49, "MDS_GETXATTR"),
    (50, "MDS_SETXATTR"), (51, "MDS_WRITEPAGE"), (52, "MDS_IS_SUBDIR"),
    (53, "MDS_GET_INFO"), (54, "MDS_HSM_STATE_GET"), (55, "MDS_HSM_STATE_SET"),
    (56, "MDS_HSM_ACTION"), (57, "MDS_HSM_PROGRESS"), (58, "MDS_HSM_REQUEST"),
    (59, "MDS_HSM_CT_REGISTER"), (60, "MDS_HSM_CT_UNREGISTER"), (61, "MDS_SWAP_LAYOUTS"),
    (62, "MDS_RMFID"), (101, "LDLM_ENQUEUE"), (102, "LDLM_CONVERT"), (103, "LDLM_CANCEL"),
    (104, "LDLM_BL_CALLBACK"), (105, "LDLM_CP_CALLBACK"), (106, "LDLM_GL_CALLBACK"),
    (250, "MGS_CONNECT"), (251, "MGS_DISCONNECT"), (252, "MGS_EXCEPTION"),
    (253, "MGS_TARGET_REG"), (254, "MGS_TARGET_DEL"), (255, "MGS_SET_INFO"),
    (256, "MGS_CONFIG_READ"), (400, "OBD_PING"), (401, "OBD_LOG_CANCEL"),
    (402, "OBD_QC_CALLBACK"), (403, "OBD_IDX_READ"), (501, "LLOG_ORIGIN_HANDLE_CREATE"),
    (502, "LLOG_ORIGIN_HANDLE_NEXT_BLOCK"), (503, "LLOG_ORIGIN_HANDLE_READ_HEADER"),
    (601, "QUOTA_DQACQ"), (602, "QUOTA_DQREL"), (700, "SEQ_QUERY"),
    (801, "SEC_CTX_INIT"), (802, "SEC_CTX_INIT_CONT"), (803, "SEC_CTX_FINI"),
    (900, "FLD_QUERY"), (901, "FLD_READ"), (1000, "OUT_UPDATE"),
];

/// Kind of a message: request or reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKind {
    /// `PTL_RPC_MSG_REQUEST`.
    Request,
    /// `PTL_RPC_MSG_REPLY`, or `PTL_RPC_MSG_ERR`.
    Reply,
}

/// A request or its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rpc {
    /// Security flavor.
    pub flavor: Flavor,
    /// Kind and opcode, if the flavor does not hide them.
    pub operation: Option<(MessageKind, Opcode)>,
    /// Target that a request asks to be connected to.
    pub target: Option<TargetName>,
}

/// Reads the start of an `LNet` payload. `None` where it is no RPC, or too little of it
/// was captured.
#[must_use]
pub fn read(body: &[u8]) -> Option<Rpc> {
    rpc(body).ok().map(|(_, rpc)| rpc)
}

fn rpc(body: &[u8]) -> IResult<&[u8], Rpc> {
    let (rest, (buffers, flavor, _)) = (
        verify(le_u32, |buffers| (1..=MAX_BUFFERS).contains(buffers)),
        le_u32,
        tag(&MAGIC[..]),
    )
        .parse(body)?;
    let flavor = Flavor(flavor & 0x000f_ffff);
    let in_clear = flavor.policy() == POLICY_NULL;
    let operation = in_clear.then(|| operation(body, buffers).ok()).flatten();
    let operation = operation.map(|(_, operation)| operation);
    let is_connect = matches!(operation, Some((MessageKind::Request, code)) if code.connects());
    let target = is_connect.then(|| target(body, buffers).ok()).flatten();
    let rpc = Rpc {
        flavor,
        operation,
        target: target.and_then(|(_, target)| target),
    };
    Ok((rest, rpc))
}

/// The second buffer of a connect request is the target's UUID, which ends with a zero
/// (`obd_connect_client` of `RMF_TGTUUID` in `layout.c`).
fn target(body: &[u8], buffers: u32) -> IResult<&[u8], Option<TargetName>> {
    let lengths_end = 32 + 4 * buffers as usize;
    let (lengths, _) = take(32_usize)(body)?;
    let (_, (first, second)) = (le_u32, le_u32).parse(lengths)?;
    let begin = lengths_end.next_multiple_of(8) + (first as usize).next_multiple_of(8);
    let (uuid, _) = take(begin)(body)?;
    let (rest, uuid) = take(second.min(MAX_UUID_LEN))(uuid)?;
    let text = uuid.split(|&byte| byte == 0).next().unwrap_or_default();
    let name = str::from_utf8(text).ok().and_then(TargetName::parse);
    Ok((rest, name))
}

/// The first buffer is a `ptlrpc_body`: type at +8, version at +12, operation at +16.
fn operation(body: &[u8], buffers: u32) -> IResult<&[u8], (MessageKind, Opcode)> {
    let lengths_end = 32 + 4 * buffers as usize;
    let (first, _) = take(lengths_end.next_multiple_of(8))(body)?;
    let (rest, (_handle, kind, _, _version, code)) = (
        take(8_usize),
        verify(le_u16, |kind| (0x1267..=0x1269).contains(kind)),
        verify(le_u16, |&high| high == 0),
        le_u32,
        le_u32,
    )
        .parse(first)?;
    let kind = if kind == 0x1267 {
        MessageKind::Request
    } else {
        MessageKind::Reply
    };
    Ok((rest, (kind, Opcode(code))))
}
